"""A program for each library inside, which uses all that the library promises and ends well if it got it."""
