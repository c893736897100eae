"""Sources of questions: datasets with a checkable answer."""
