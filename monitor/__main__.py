"""`python -m monitor` is `provider-monitor`."""

import sys

from monitor.cli import main

sys.exit(main())
