// A library that is not a plugin.
extern "C" int unrelated() { return 0; }
