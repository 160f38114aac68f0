"""`make demo`."""

import sys

from devstack.demo.story import main

sys.exit(main(sys.argv[1:]))
