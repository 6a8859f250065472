import NIOPosix

/// The one thread of a process on which logs and terminals are written, because their readers may
/// be slow or gone and the event loop must not wait for them. Work runs in the order in which it
/// was given.
///
/// No queue of Dispatch: each of its many threads keeps the memory of what passed through it.
package enum WriterThread {
  private static let pool: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 1)
    pool.start()
    return pool
  }()

  package static func submit(_ work: @escaping @Sendable () -> Void) {
    pool.submit { _ in work() }
  }
}
