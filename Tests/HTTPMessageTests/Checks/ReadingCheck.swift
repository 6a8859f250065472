import HTTPMessage

/// What a reader makes of the bytes of one connection is the same however they are cut.
enum ReadingCheck {
  /// Switches: bit 0 responses; these answer requests that were, bit 1 HEAD, bit 2 an upgrade,
  /// bit 3 HTTP/1.0.
  static func run(_ input: Input) throws(Broken) {
    let context = RequestContext(
      isHead: input.has(1), upgrade: input.has(2), minorVersion: input.has(3) ? 0 : 1)
    func read(_ slices: [[UInt8]]) throws(Broken) -> Reading {
      input.has(0)
        ? try responses(slices, context, input.limits) : try requests(slices, input.limits)
    }
    let atOnce = try read([input.message])
    let inSlices = try read(input.slices)
    try demand(atOnce == inSlices, "cut: \(inSlices); at once: \(atOnce)")
  }

  struct Reading: Equatable {
    var heads: [[UInt8]] = []
    var bodies: [[UInt8]] = []
    var fault: MessageFault?
    /// What had not become a message when it stopped, without a fault.
    var rest: [UInt8] = []

    mutating func begin(_ count: Int, of unread: inout [UInt8]) {
      heads.append(Array(unread.prefix(count)))
      bodies.append([])
      unread.removeFirst(count)
    }

    mutating func go(on count: Int, of unread: inout [UInt8]) {
      bodies[bodies.count - 1] += unread.prefix(count)
      unread.removeFirst(count)
    }

    /// The message that a fault came in says nothing: how much of it passed depends on the cuts.
    mutating func close(_ unread: [UInt8], whole: Int) {
      if fault == nil {
        rest = unread
      } else {
        heads.removeLast(heads.count - whole)
        bodies.removeLast(bodies.count - whole)
      }
    }
  }

  private static func requests(
    _ slices: [[UInt8]], _ limits: HeadLimits
  ) throws(Broken) -> Reading {
    var reader = RequestReader(limits: limits)
    var reading = Reading()
    var unread: [UInt8] = []
    var whole = 0
    do throws(MessageFault) {
      for slice in slices {
        unread += slice
        steps: while true {
          switch try reader.next(Array(unread).span) {
          case .more: break steps
          case .head(let count):
            reading.begin(count, of: &unread)
          case .body(let count): reading.go(on: count, of: &unread)
          case .end:
            whole += 1
            reader.restart()
          }
        }
      }
      try reader.finish(unread: unread.count)
    } catch {
      reading.fault = error
    }
    reading.close(unread, whole: whole)
    return reading
  }

  private static func responses(
    _ slices: [[UInt8]], _ context: RequestContext, _ limits: HeadLimits
  ) throws(Broken) -> Reading {
    var reader = ResponseReader(limits: limits)
    var reading = Reading()
    var unread: [UInt8] = []
    var whole = 0
    reader.expect(context)
    do throws(MessageFault) {
      for slice in slices {
        unread += slice
        steps: while true {
          switch try reader.next(Array(unread).span) {
          case .more: break steps
          case .interim(let count):
            reading.begin(count, of: &unread)
            whole += 1
          case .head(let count), .switched(let count):
            reading.begin(count, of: &unread)
          case .body(let count): reading.go(on: count, of: &unread)
          case .end:
            whole += 1
            reader.expect(context)
          }
        }
      }
      try reader.finish(unread: unread.count)
    } catch {
      reading.fault = error
    }
    reading.close(unread, whole: whole)
    return reading
  }
}
