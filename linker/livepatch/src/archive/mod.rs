//! What is kept of a build: the image, the inputs of its link, the map, and how it was made.
