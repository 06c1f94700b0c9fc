"""The queries of the reports, each as known at a sequence: none reads what is updated in place."""
