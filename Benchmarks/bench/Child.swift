import Foundation

/// One finished process: what it cost.
struct Child {
  var status: Int32
  var cpuSeconds: Double
  var wallSeconds: Double

  /// Runs a command with its output thrown away.
  static func run(_ command: [String]) -> Child {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    let child = start(command, &actions)
    return child.wait()
  }

  /// One that runs.
  struct Started {
    let pid: pid_t
    fileprivate let since: Double

    func wait() -> Child {
      var status: Int32 = 0
      var usage = rusage()
      wait4(pid, &status, 0, &usage)
      return Child(
        status: status, cpuSeconds: usage.ru_utime.seconds + usage.ru_stime.seconds,
        wallSeconds: now() - since)
    }
  }

  static func start(_ command: [String], _ actions: inout posix_spawn_file_actions_t) -> Started {
    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let since = now()
    let error = posix_spawnp(&pid, command[0], &actions, nil, &arguments, environ)
    guard error == 0 else { fatal("\(command[0]) cannot be started") }
    return Started(pid: pid, since: since)
  }

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

extension timeval {
  var seconds: Double { Double(tv_sec) + Double(tv_usec) * 1e-6 }
}

/// CPU seconds of this process so far.
func cpuSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Resident memory of this process in KiB.
func residentKiB() -> Int {
  let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
  let words = text.split(separator: " ")
  return words.count > 1 ? (Int(words[1]) ?? 0) * 4 : 0
}

func fatal(_ message: String) -> Never {
  FileHandle.standardError.write(Data("bench: \(message)\n".utf8))
  exit(1)
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

func rounded(_ value: Double, _ digits: Int) -> String {
  String(format: "%.\(digits)f", value)
}

/// To standard output at once: a run of all takes minutes.
func say(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
