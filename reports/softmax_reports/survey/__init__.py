"""The page of a survey: report.html and report.md beside its tables, from these alone."""
