// A test imports EmuTesting and has all that it needs.
@_exported import Devices
@_exported import Emu
@_exported import Timeline
