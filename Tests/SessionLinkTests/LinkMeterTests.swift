import Testing
import TunnelCore

@testable import SessionLink

@Suite("link meter")
struct LinkMeterTests {
  private let start = Moment(nanoseconds: 0)

  @Test("a way that takes 64 KiB in a moment is wide, one that takes little in 100 ms is narrow")
  func judges() {
    var meter = LinkMeter()
    meter.begins(acknowledged: 0, at: start)
    #expect(meter.ends(acknowledged: 4_000, at: start + .milliseconds(1)) == nil)
    meter.begins(acknowledged: 0, at: start + .milliseconds(2))
    #expect(meter.ends(acknowledged: 66_000, at: start + .milliseconds(3)) == .wide)

    var slow = LinkMeter()
    slow.begins(acknowledged: 0, at: start)
    #expect(slow.ends(acknowledged: 12_000, at: start + .milliseconds(100)) == .narrow)
    slow.begins(acknowledged: 0, at: start + .milliseconds(110))
    #expect(slow.ends(acknowledged: 24_000, at: start + .milliseconds(199)) == nil)
    #expect(slow.ends(acknowledged: 300_000, at: start + .milliseconds(200)) == .wide)
  }

  @Test("rest between two times of pressure says nothing of the way")
  func rests() {
    var meter = LinkMeter()
    #expect(meter.isResting(at: start))
    meter.begins(acknowledged: 0, at: start)
    #expect(!meter.isResting(at: start + .seconds(9)))
    #expect(meter.ends(acknowledged: 1_000, at: start + .milliseconds(1)) == nil)
    #expect(!meter.isResting(at: start + .milliseconds(21)))
    let later = start + .seconds(60)
    #expect(meter.isResting(at: later))
    meter.begins(acknowledged: 1_000, at: later)
    #expect(meter.ends(acknowledged: 70_000, at: later + .milliseconds(2)) == .wide)
  }
}
