// A library that is no plugin at all.
extern "C" int unrelated() { return 0; }
