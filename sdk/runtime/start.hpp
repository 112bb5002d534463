// What every program does first. For programs only.
#pragma once

namespace quern::runtime {

/// Opens 0, 1 and 2 on /dev/null where they are closed: otherwise the next file that is opened,
/// such as the store, would get what is meant for standard output.
void open_standard_descriptors();

/// The first process of a container is given every orphan there is: a program without children of
/// its own lets the system take the ends of them. Does nothing in any other process.
void leave_orphans_to_the_system();

}  // namespace quern::runtime
