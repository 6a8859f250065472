/// What a running relay does about its signals and its successor, one thing at a time.
struct Lifecycle {
  enum Event: Equatable, Sendable {
    /// SIGTERM or SIGINT; a second one never comes here, it ends the process.
    case stopAsked
    /// SIGUSR2.
    case handoverAsked
    /// SIGHUP.
    case reloadAsked
    case successorReady
    case successorFailed(String)
  }

  enum Action: Equatable {
    case startSuccessor
    /// The successor serves; what runs here is finished.
    case handOver
    case endSuccessorAndDrain
    case drain
    case reload
    /// It failed: everything stays as it is.
    case goOn(why: String)
    /// Said in the log, and no more.
    case ignore(String)
  }

  private enum State { case serving, starting, leaving }

  private var state = State.serving

  mutating func take(_ event: Event) -> Action {
    switch (state, event) {
    case (.serving, .handoverAsked):
      state = .starting
      return .startSuccessor
    case (.serving, .stopAsked):
      state = .leaving
      return .drain
    case (.starting, .stopAsked):
      state = .leaving
      return .endSuccessorAndDrain
    case (.starting, .successorReady):
      state = .leaving
      return .handOver
    case (.starting, .successorFailed(let why)):
      state = .serving
      return .goOn(why: why)
    case (.serving, .reloadAsked): return .reload
    case (.starting, .reloadAsked): return .ignore("a successor reads everything itself")
    case (.leaving, .reloadAsked): return .ignore("the relay is leaving")
    case (.starting, .handoverAsked): return .ignore("a hand-over is under way already")
    case (.leaving, .handoverAsked): return .ignore("the relay is draining")
    case (.leaving, .stopAsked): return .ignore("the relay is draining already")
    case (.leaving, .successorReady), (.leaving, .successorFailed),
      (.serving, .successorReady), (.serving, .successorFailed):
      return .ignore("the successor of before is gone")
    }
  }
}
