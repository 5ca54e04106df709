"""Programs' own part in finding the tree wherever it is: what names its place is made to find it, when it is built."""
