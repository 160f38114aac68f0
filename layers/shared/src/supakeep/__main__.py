"""`python -m supakeep`."""

import sys

from supakeep.cli.main import main

sys.exit(main())
