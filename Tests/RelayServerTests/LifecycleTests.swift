import Testing

@testable import RelayServer

@Suite("signals of a running relay")
struct LifecycleTests {
  private typealias Step = (event: Lifecycle.Event, action: Lifecycle.Action)

  private func walk(_ steps: [Step]) {
    var lifecycle = Lifecycle()
    for (number, step) in steps.enumerated() {
      #expect(lifecycle.take(step.event) == step.action, "step \(number)")
    }
  }

  @Test("a successor that is ready gets everything; later signals change nothing")
  func handOver() {
    walk([
      (.handoverAsked, .startSuccessor),
      (.handoverAsked, .ignore("a hand-over is under way already")),
      (.successorReady, .handOver),
      (.handoverAsked, .ignore("the relay is draining")),
      (.stopAsked, .ignore("the relay is draining already")),
      (.successorFailed("late"), .ignore("the successor of before is gone")),
    ])
  }

  @Test("after a successor that failed the relay goes on, and can be asked again")
  func failed() {
    walk([
      (.handoverAsked, .startSuccessor),
      (.successorFailed("exit code 78"), .goOn(why: "exit code 78")),
      (.successorReady, .ignore("the successor of before is gone")),
      (.handoverAsked, .startSuccessor),
      (.successorReady, .handOver),
    ])
  }

  @Test("a reload is for a relay that serves and has no successor")
  func reload() {
    walk([
      (.reloadAsked, .reload), (.reloadAsked, .reload), (.handoverAsked, .startSuccessor),
      (.reloadAsked, .ignore("a successor reads everything itself")),
      (.successorFailed("late"), .goOn(why: "late")), (.reloadAsked, .reload),
      (.stopAsked, .drain), (.reloadAsked, .ignore("the relay is leaving")),
    ])
  }

  @Test("a stop ends a successor that is not ready yet, and drains")
  func stopped() {
    walk([
      (.handoverAsked, .startSuccessor),
      (.stopAsked, .endSuccessorAndDrain),
      (.successorReady, .ignore("the successor of before is gone")),
      (.successorFailed("killed"), .ignore("the successor of before is gone")),
    ])
    walk([
      (.stopAsked, .drain),
      (.handoverAsked, .ignore("the relay is draining")),
      (.stopAsked, .ignore("the relay is draining already")),
    ])
  }
}
