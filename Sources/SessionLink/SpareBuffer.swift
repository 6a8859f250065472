import NIOCore

/// The memory of one small buffer, passed on from who is done with its bytes to who writes the next
/// ones: an edited head lives no longer than its write, and new memory for each was four calls of
/// the allocator an exchange.
///
/// Belongs to one event loop.
final class SpareBuffer {
  private static let largest = 8_192
  private var kept: ByteBuffer?

  /// An empty buffer with room for `capacity` bytes.
  func take(_ capacity: Int) -> ByteBuffer {
    var buffer = kept.take() ?? ByteBuffer()
    buffer.clear(minimumCapacity: capacity)
    return buffer
  }

  /// Whoever else still reads `buffer` keeps its bytes: then the next one gets new memory.
  func put(_ buffer: consuming ByteBuffer) {
    if buffer.storageCapacity <= Self.largest { kept = buffer }
  }
}
