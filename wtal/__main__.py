"""`python -m wtal`."""

import sys

from wtal.cli import main

sys.exit(main())
