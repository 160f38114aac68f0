"""AWS services other than stores and run records."""
