import TunnelCore

/// One try of an agent to get a connection: 10 s at most (limits.md, "TCP dial").
final class AgentDial: WireEnd {
  private static let limit = Duration.seconds(10)

  let number: Int
  private unowned let agent: SimulatedAgent
  private let wire: Wire
  private var isOver = false

  init(_ number: Int, _ agent: SimulatedAgent, _ site: Site, _ world: World) {
    self.number = number
    self.agent = agent
    wire = Wire(agent.machine, world)
    wire.agentEnd = self
    wire.relayEnd = site
    site.dialed(wire)
    wire.send(.connect, to: .relay)
    agent.machine.after(Self.limit) { [weak self] in self?.fails(.unreachable) }
  }

  func giveUp() {
    isOver = true
    wire.close(from: .agent)
  }

  func arrives(_ item: Wire.Item, on wire: Wire) {
    guard !isOver else { return }
    switch item {
    case .accepted:
      isOver = true
      agent.connected(number, wire)
    case .closed, .broken: fails(.unreachable)
    case .bytes, .connect: break
    }
  }

  private func fails(_ cause: ReconnectSchedule.Cause) {
    if isOver { return }
    giveUp()
    agent.away(number, cause)
  }
}
