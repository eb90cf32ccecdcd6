import EmurunCLI
import Glibc

// Straight to exit: the kernel takes an engine's memory back faster than anybody could.
exit(Emurun.main(Array(CommandLine.arguments.dropFirst()), on: .process()))
