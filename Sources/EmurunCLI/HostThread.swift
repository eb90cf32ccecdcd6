import Dispatch
import Glibc
import Synchronization

/// A thread of this process, with as much stack as the first one may have.
struct HostThread {
  private let thread: pthread_t

  init(_ work: @escaping () -> Void) throws(Refusal) {
    var thread = pthread_t()
    let job = Unmanaged.passRetained(Job(work: work))
    let error = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        Unmanaged<Job>.fromOpaque(context).takeRetainedValue().work()
        return nil
      }, job.toOpaque())
    if error != 0 {
      job.release()
      throw Refusal(ExitCode.software, "no thread to run on: \(EmurunCLI.describe(error))")
    }
    self.thread = thread
  }

  func join() { pthread_join(thread, nil) }

  private final class Job {
    let work: () -> Void
    init(work: @escaping () -> Void) { self.work = work }
  }
}

/// Numbered pieces of work on several threads. What they come to is taken in order, however they are done.
final class OrderedWork<Outcome: Sendable> {
  private let board: Board
  private let threads: [HostThread]

  init(
    count: Int, threads: Int, _ work: @escaping @Sendable (Int) -> Outcome
  ) throws(Refusal) {
    let board = Board(count)
    self.board = board
    var started: [HostThread] = []
    for _ in 0..<min(count, threads) {
      do throws(Refusal) {
        started.append(try HostThread { board.serve(work) })
      } catch {
        // Fewer do it as well.
        if started.isEmpty { throw error }
      }
    }
    self.threads = started
  }

  /// Waits for it. Each can be taken once.
  func take(_ number: Int) -> Outcome {
    board.done[number].wait()
    guard let outcome = board.outcomes.withLock({ $0[number].take() }) else {
      preconditionFailure("the outcome of \(number) was taken twice")
    }
    return outcome
  }

  /// What has not begun is left; waits for the rest.
  func finish() {
    board.next.store(board.done.count, ordering: .relaxed)
    for thread in threads { thread.join() }
  }

  private final class Board: Sendable {
    let next = Atomic(0)
    let done: [DispatchSemaphore]
    let outcomes: Mutex<[Outcome?]>

    init(_ count: Int) {
      done = (0..<count).map { _ in DispatchSemaphore(value: 0) }
      outcomes = Mutex(Array(repeating: nil, count: count))
    }

    func serve(_ work: (Int) -> Outcome) {
      while true {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard number < done.count else { return }
        let outcome = work(number)
        outcomes.withLock { $0[number] = outcome }
        done[number].signal()
      }
    }
  }
}
