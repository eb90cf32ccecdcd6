import Devices
import Dial
import EmurunCLI

// emurun itself, with one more type of device: `dial-emurun IMAGE --board dial.yaml`.
var host = Host.process()
host.deviceTypes = DeviceTypes.builtIn.adding(Dial.self)
Host.exit(Emurun.main(Array(CommandLine.arguments.dropFirst()), on: host))
