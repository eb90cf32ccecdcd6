import Foundation
import GoldenModel

// golden-compare signature|commits INSTRUCTIONS [FIRST-SEED]: guests against Spike until that many instructions were compared, or five
// differences found.
let arguments = CommandLine.arguments.dropFirst()
let numbers = arguments.dropFirst().compactMap { Int($0) }
guard let way = arguments.first, ["signature", "commits"].contains(way), let goal = numbers.first,
  let spike = Spike.path
else {
  print("usage: golden-compare signature|commits INSTRUCTIONS [FIRST-SEED], with spike in PATH")
  exit(64)
}
let first = UInt64(numbers.dropFirst().first ?? 1)
var seed = first
var (total, traps, endless, cut, differences) = (0, 0, 0, 0, 0)
var excused: [String: Int] = [:]
func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
while total < goal && differences < 5 {
  let difference: String?
  if way == "signature" {
    let result = try SignatureComparison(seed: seed, spike: spike)
    total += Int(result.retired)
    traps += Int(result.traps)
    endless += result.isEndless ? 1 : 0
    cut += result.isCut ? 1 : 0
    difference = result.difference
  } else {
    let result = try Comparison(seed: seed, spike: spike)
    total += result.commits
    for (name, count) in result.excused { excused[name, default: 0] += count }
    difference = result.difference
  }
  seed += 1
  if let difference {
    differences += 1
    say(difference)
  }
  if (seed - first) % 100 == 0 { say("\(total) instructions, at seed \(seed)") }
}
let details =
  way == "signature"
  ? "\(traps) traps; \(endless) guests without an end, by their first million commits; \(cut) up to a long encoding"
  : "excused: "
    + excused.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
say(
  "\(total) instructions of \(seed - first) guests (seeds from \(first)), by \(way): \(differences) differences; \(details)"
)
exit(differences == 0 ? 0 : 1)
