"""The Docker-free stack for demos, development and tests; nothing here is deployed.

PostgreSQL, Supabase Lite in front of it, moto in place of AWS, and the functions of template.yaml
in the real Lambda runtime behind one gateway. `devstack.stack.local_stack` starts all of it.
"""

from pathlib import Path

PROJECT = Path(__file__).parent.parent
