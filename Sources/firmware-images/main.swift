// firmware-images BUILD TOOLCHAIN PACKAGE OUTPUT LIST IMAGE ...
//
// Runs Sources/Firmware/build on another package, as the plugin FirmwareImages asks, with the traits of emurun that that
// package has chosen: they are known where emurun's own targets are compiled, which a plugin is not.
import Glibc

var traits: [String] = []
#if Console
  traits.append("Console")
#endif
#if Allocator
  traits.append("Allocator")
#endif
#if FreeList
  traits.append("FreeList")
#endif
#if FloatingPoint
  traits.append("FloatingPoint")
#endif
#if Scheduler
  traits.append("Scheduler")
#endif

let words = CommandLine.arguments
guard words.count > 6 else {
  let usage = "usage: firmware-images BUILD TOOLCHAIN PACKAGE OUTPUT LIST IMAGE ...\n"
  write(2, usage, usage.utf8.count)
  exit(64)
}
setenv("IMAGES_LIST", words[5], 1)
setenv("TRAITS", traits.joined(separator: " "), 1)
let path = getenv("PATH").map { ":" + String(cString: $0) } ?? ""
setenv("PATH", words[2] + path, 1)
let arguments = [words[1], "-C", words[3]] + words[6...] + ["-o", words[4]]
execv(words[1], arguments.map { strdup($0) } + [nil])
perror("firmware-images: \(words[1])")
exit(69)
