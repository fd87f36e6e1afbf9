//! Empty: a package needs a library to have benches, and the benches are the other files of this folder.
