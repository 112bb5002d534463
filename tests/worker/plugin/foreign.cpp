// A library made for another plugin interface.
extern "C" int quern_plugin_abi() { return 99; }
extern "C" void quern_plugin_register(void*) {}
