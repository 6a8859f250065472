import Testing

@testable import TunnelCore

@Suite struct ConnectionRoomTests {
  @Test("each place has its number, all together theirs; one that leaves makes room")
  func room() {
    var room = ConnectionRoom(limit: 5, perPlace: 2)
    #expect([room.enter(1), room.enter(1), room.enter(1)] == [nil, nil, .tooManyOfOne])
    #expect([room.enter(2), room.enter(nil), room.enter(nil)] == [nil, nil, nil])
    #expect([room.enter(3), room.enter(nil), room.enter(1)] == [.full, .full, .full])
    room.leave(2)
    #expect(room.enter(1) == .tooManyOfOne)
    room.leave(1)
    #expect([room.enter(1), room.enter(3), room.enter(2)] == [nil, nil, .full])
  }

  @Test("who is not counted apart may have all there are")
  func uncounted() {
    var room = ConnectionRoom(limit: 100, perPlace: 1)
    let all = (0..<101).map { _ in room.enter(nil) }
    #expect(all == Array(repeating: nil, count: 100) + [.full])
  }

  @Test("places that are gone are forgotten")
  func memory() {
    var room = ConnectionRoom(limit: 10_000, perPlace: 4)
    for place in 0..<1_000 as Range<UInt128> {
      #expect(room.enter(place) == nil && room.enter(place) == nil)
    }
    #expect(room.places == 1_000)
    for place in 0..<1_000 as Range<UInt128> {
      room.leave(place)
      room.leave(place)
    }
    #expect(room.places == 0)
  }

  @Test(
    "1,000 descriptors are kept, or half where there are few",
    arguments: [
      (20_000, 1_048_576, 20_000), (20_000, 20_500, 19_500), (20_000, 1_024, 512),
      (20_000, 2_000, 1_000), (20_000, 64, 32), (100, 1_024, 100),
    ])
  func descriptors(_ wanted: Int, _ descriptors: Int, _ limit: Int) {
    #expect(ConnectionRoom.limit(wanted: wanted, descriptors: descriptors) == limit)
  }

  @Test("an IPv6 line is one place, an IPv4 address too")
  func places() throws {
    func place(_ text: String) throws -> UInt128 { try #require(IPAddress(text)).place }
    #expect(try place("2001:db8::1") == place("2001:db8::ffff:1:2:3"))
    #expect(try place("2001:db8::1") != place("2001:db8:0:1::1"))
    #expect(try place("192.0.2.1") == place("::ffff:192.0.2.1"))
    #expect(try place("192.0.2.1") != place("192.0.2.2"))
  }
}
