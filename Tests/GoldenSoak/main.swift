import Foundation
import GoldenModel

// golden-soak INSTRUCTIONS [FIRST-SEED]: guests against Spike until that many instructions were compared, or five differences found.
let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
guard let goal = arguments.first, let spike = Spike.path else {
  print("usage: golden-soak INSTRUCTIONS [FIRST-SEED], with spike in PATH")
  exit(64)
}
var seed = UInt64(arguments.dropFirst().first ?? 1)
var (total, guests, differences) = (0, 0, 0)
var excused: [String: Int] = [:]
while total < goal && differences < 5 {
  let result = try Comparison(seed: seed, spike: spike)
  total += result.commits
  guests += 1
  for (name, count) in result.excused { excused[name, default: 0] += count }
  if let difference = result.difference {
    differences += 1
    FileHandle.standardOutput.write(Data((difference + "\n").utf8))
  }
  seed += 1
}
let reasons = excused.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
print(
  "\(total) instructions of \(guests) guests, \(differences) differences; excused: "
    + reasons.joined(separator: ", "))
exit(differences == 0 ? 0 : 1)
