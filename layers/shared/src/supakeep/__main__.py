"""`python -m supakeep`."""

import sys

from supakeep.cli.entry import main

sys.exit(main())
