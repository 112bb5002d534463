// What every program does first. For programs only.
#pragma once

namespace quern::runtime {

/// Opens descriptors 0, 1 and 2 on /dev/null if they are closed. Otherwise the next file that is
/// opened, such as the store, would receive what is meant for standard output.
void open_standard_descriptors();

/// The first process of a container becomes the parent of all orphans. A program without children
/// of its own lets the system reap them. Does nothing in any other process.
void leave_orphans_to_the_system();

}  // namespace quern::runtime
