// bench WORKLOADS [ROUNDS]: everything, as a page of Markdown on standard output.
// bench disk WORKLOADS: one figure.
// bench evidence: what traces, digests and pages cost.
// bench travel WORKLOADS: what going back takes.
// bench restores N: restores a second, and memory.
// bench boots warm|cold N: one figure, for the build that it is compiled as.
let arguments = CommandLine.arguments
switch arguments.count {
case 4 where arguments[1] == "boots":
  say(rounded(Boots.perSecond(cold: arguments[2] == "cold", count: Int(arguments[3]) ?? 1000), 0))
case 3 where arguments[1] == "restores":
  let restores = Boots.restores(Int(arguments[2]) ?? 100_000)
  say("\(rounded(restores.perSecond, 0)) a second, \(restores.growth)")
case 2 where arguments[1] == "evidence":
  say("access text \(rounded(Evidence.accessNanoseconds(json: false), 0)) ns")
  say("access JSON \(rounded(Evidence.accessNanoseconds(json: true), 0)) ns")
  say("digest \(rounded(Evidence.digestMegabytesPerSecond(), 0)) MB/s")
  let reading = BoardReading.milliseconds()
  say("board file \(rounded(reading.median, 2)) ms, first \(rounded(reading.first, 2)) ms")
  say("page \(rounded(Evidence.pageSeconds(), 2)) s")
case 3 where arguments[1] == "travel":
  for row in TimeTravel(directory: arguments[2]).rows() { say(row.joined(separator: "; ")) }
case 3 where arguments[1] == "disk":
  say(rounded(DiskTransfers.megabytesPerSecond(arguments[2]), 0))
case 2, 3:
  Report(directory: arguments[1], rounds: arguments.count > 2 ? Int(arguments[2]) ?? 7 : 7).write()
default:
  fatal("usage: bench WORKLOADS [ROUNDS]")
}
