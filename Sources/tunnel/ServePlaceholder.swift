import Logging
import TunnelAgent
import TunnelCore

/// LEAD: gone once `TunnelAgent.serve` exists.
func servePlaceholder(
  _ settings: AgentSettings, _ terminal: Terminal, _ logger: Logger
) async throws -> Int32 {
  throw CommandGrammar.usage("serving \(settings.upstream) is not built yet")
}
