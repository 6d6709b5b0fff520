"""What all tests share: the folder of real recordings, and hypothesis without deadlines."""

import os
import signal
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a script starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else nothing that tests start hears Ctrl-C

settings.register_profile(
    "emgkit", deadline=None, max_examples=30, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("emgkit")

REAL_DATA = Path(os.environ.get("EMGKIT_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the shared real recordings."""
    if not REAL_DATA.is_dir():
        pytest.fail(f"The real recordings are not there: {REAL_DATA}; set EMGKIT_REAL_DATA or run -m 'not real'.")
    return REAL_DATA
