"""What the API answers: one file for each subject, as documented in docs/api.md."""
