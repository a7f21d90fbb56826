# Hypothesis' own plugin imports this when the tests are over. Python 3.11 may fail to parse it then ("AST
# constructor recursion depth mismatch"), where greenlets of SQLAlchemy are left: so it is imported now.
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, not about us.
settings.register_profile("rotunda", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rotunda")
