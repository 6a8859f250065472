import Multiplexer
import TunnelCore

import struct NIOCore.ByteBuffer

/// What an agent's answer says of itself.
struct AnswerWords {
  let exchange: UInt64
  let agent: UInt64
  /// The epoch in which the agent believed to serve when it took the exchange.
  let believed: UInt64

  static let size = 24

  func write(to buffer: inout ByteBuffer) {
    buffer.writeInteger(exchange)
    buffer.writeInteger(agent)
    buffer.writeInteger(believed)
  }

  init(exchange: UInt64, agent: UInt64, believed: UInt64) {
    self.exchange = exchange
    self.agent = agent
    self.believed = believed
  }

  init?(_ buffer: ByteBuffer) {
    var buffer = buffer
    guard let exchange = buffer.readInteger(as: UInt64.self),
      let agent = buffer.readInteger(as: UInt64.self),
      let believed = buffer.readInteger(as: UInt64.self)
    else { return nil }
    self.init(exchange: exchange, agent: agent, believed: believed)
  }
}

/// The agent's side of an exchange: its app takes a while, and then says whose answer it is.
final class AgentExchange: SimulatedStreamEnd {
  private let open: Open
  private unowned let agent: SimulatedAgent
  private let link: SimulatedLink
  private let slot: Slot
  private let believed: Epoch
  private var isOver = false

  init(
    _ open: Open, _ agent: SimulatedAgent, _ link: SimulatedLink, _ slot: Slot, _ believed: Epoch
  ) {
    self.open = open
    self.agent = agent
    self.link = link
    self.slot = slot
    self.believed = believed
  }

  func streamData(_ bytes: ByteBuffer, end: Bool) {
    guard end else { return }
    let dice = agent.world.dice
    let span = dice.chance(5) ? dice.milliseconds(5_000, 20_000) : dice.milliseconds(1, 2_000)
    agent.machine.after(span) { [weak agent] in
      guard let agent, !agent.isOver, !self.isOver, !self.link.isOver else { return }
      self.answer(agent)
    }
  }

  func streamReset(_ farewell: Farewell) { isOver = true }

  func streamLost() { isOver = true }

  private func answer(_ agent: SimulatedAgent) {
    let dice = agent.world.dice
    if dice.chance(3) {
      return link.refuse(slot, Farewell(.upstreamRefused, blame: .upstream))
    }
    var number = open.exchange.low
    if agent.world.settings.has(.mixedAnswers) { number = agent.site.mixed(number) }
    var bytes = ByteBuffer()
    AnswerWords(exchange: number, agent: agent.number, believed: believed.number)
      .write(to: &bytes)
    // Now and then more than a first window.
    let filler = dice.chance(2) ? dice.between(1, 150_000) : dice.between(0, 200)
    bytes.writeRepeatingByte(0, count: filler)
    link.send(slot, bytes, end: true)
  }
}

/// The relay's side of an exchange, which somebody waits for.
final class RelayExchange: SimulatedStreamEnd {
  enum End: UInt64 {
    case answered, refused, lost, offline, cancelled, relayGone
  }

  let number: UInt64
  let name: Int
  let epoch: Epoch
  let session: UInt64
  private(set) var end: End?
  private(set) var answeredBy: UInt64 = 0
  private unowned let witness: Witness
  private unowned let relay: SimulatedRelay
  private var answer = ByteBuffer()

  init(
    _ number: UInt64, name: Int, epoch: Epoch, session: UInt64, _ relay: SimulatedRelay,
    _ witness: Witness
  ) {
    self.number = number
    self.name = name
    self.epoch = epoch
    self.session = session
    self.relay = relay
    self.witness = witness
  }

  func streamData(_ bytes: ByteBuffer, end: Bool) {
    if answer.readableBytes < AnswerWords.size { answer.writeImmutableBuffer(bytes) }
    guard end, self.end == nil else { return }
    guard let words = AnswerWords(answer) else { return witness.odd(self) }
    answeredBy = words.agent
    witness.answered(self, words)
    finish(.answered)
  }

  func streamReset(_ farewell: Farewell) { finish(.refused) }

  func streamLost() { finish(.lost) }

  func finish(_ end: End) {
    guard self.end == nil else { return }
    self.end = end
    witness.ended(self, end)
    relay.exchangeEnded()
  }
}
