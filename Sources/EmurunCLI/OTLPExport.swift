import Emu
import Glibc
import Timeline

/// `--otlp FILE|URL`: a line of traces and a line of metrics into a file, or each to a collector over HTTP, by curl.
struct OTLPExport {
  private enum Target {
    case file(OutputFile)
    case collector(String)
  }
  private let target: Target

  init(_ place: String, _ command: Emurun, _ outputs: RunOutputs) throws(Refusal) {
    if place.hasPrefix("http://") || place.hasPrefix("https://") {
      target = .collector(place.last == "/" ? String(place.dropLast()) : place)
    } else {
      target = .file(try outputs.open(place, command))
    }
  }

  func write(_ machine: Machine, _ outputs: RunOutputs, _ log: Log?) throws(Refusal) {
    let run = OTLP(
      machine, outputs.drawn, version: Emurun.configuration.version, logTraceID: log?.traceID)
    switch target {
    case .file(let file):
      try file.write((run.traces() + "\n" + run.metrics() + "\n").utf8)
      try file.commit()
    case .collector(let url):
      try Self.post(run.traces(), to: url + "/v1/traces")
      try Self.post(run.metrics(), to: url + "/v1/metrics")
    }
  }

  private static func post(_ body: String, to url: String) throws(Refusal) {
    var ends: [Int32] = [0, 0]
    if pipe(&ends) != 0 { throw Refusal(ExitCode.ioError, "\(url): no pipe: \(describe(errno))") }
    _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
    let words = [
      "curl", "--silent", "--fail", "--max-time", "30", "--header",
      "Content-Type: application/json",
      "--data-binary", "@-", url,
    ]
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    var child = pid_t()
    let error = posix_spawnp(&child, "curl", &actions, nil, &arguments, environ)
    close(ends[0])
    if error != 0 {
      close(ends[1])
      throw Refusal(
        ExitCode.ioError,
        "--otlp \(url): curl, which sends it, cannot be started: \(describe(error)); install it, or name a file"
      )
    }
    let failed = writeAll(Array(body.utf8), to: ends[1])
    close(ends[1])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    if status != 0 || failed != nil {
      let code = status >> 8 & 0xFF
      throw Refusal(
        ExitCode.ioError,
        "--otlp \(url): the collector did not take it (curl's exit code \(code)); is it listening there?"
      )
    }
  }
}
