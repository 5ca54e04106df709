"""What names the folder of a tree is made to find that folder by itself: once, when the tree is built."""
