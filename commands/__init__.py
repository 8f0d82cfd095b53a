"""One chat command in each module. A new file is live, listed in help and covered by the inherited tests."""
