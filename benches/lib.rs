//! The benches of belljar are beside this file; a package needs a library to have benches.
