# Hypothesis' own plugin imports this when the tests are over. Python 3.11 may fail to parse it then ("AST
# constructor recursion depth mismatch"), where greenlets of SQLAlchemy are left: so it is imported now.
import hypothesis  # noqa: F401
