import Glibc
import Testing

@testable import RelayServer

/// Certificates for tests alone, made with openssl: for tunnel.example and what is below it, until
/// 2099; one that expired in 2021; one for other.example and below it; and a key that fits none.
enum TestCertificate {
  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBdzCCAR2gAwIBAgIBAjAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA50dW5uZWwu
    ZXhhbXBsZTAgFw0yMDAxMDEwMDAwMDBaGA8yMDk5MTIzMTAwMDAwMFowGTEXMBUG
    A1UEAwwOdHVubmVsLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQt
    VCwzSw3FGD6IKx08UG7HXbGpA9L5/yxZcyXk1tHOAPmAGevg6288RZslXa/hf1Lx
    aZOzDYFL9lDEZEGhduWNo1QwUjAxBgNVHREEKjAogg50dW5uZWwuZXhhbXBsZYIQ
    Ki50dW5uZWwuZXhhbXBsZYcEfwAAATAdBgNVHQ4EFgQUWmUOjRJObsuTfXarukFx
    5iRd+gowCgYIKoZIzj0EAwIDSAAwRQIhAKAPYYYlITBkQEhy8tSAQQ30J5/D88Dx
    ZM4Yu6qrXMn/AiBoRunkaIapwd7CUJ36Xzf1ByP/28YVf5vf+C3tnhX2+Q==
    -----END CERTIFICATE-----

    """

  static let key = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIMVdeeCHrZv0CKpuXQTCIKd4arPZ4lnaMbxxm3BFthqmoAoGCCqGSM49
    AwEHoUQDQgAELVQsM0sNxRg+iCsdPFBux12xqQPS+f8sWXMl5NbRzgD5gBnr4Otv
    PEWbJV2v4X9S8WmTsw2BS/ZQxGRBoXbljQ==
    -----END EC PRIVATE KEY-----

    """

  static let expired = """
    -----BEGIN CERTIFICATE-----
    MIIBGjCBwAIBATAKBggqhkjOPQQDAjAZMRcwFQYDVQQDDA50dW5uZWwuZXhhbXBs
    ZTAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBkxFzAVBgNVBAMMDnR1
    bm5lbC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELVQsM0sNxRg+
    iCsdPFBux12xqQPS+f8sWXMl5NbRzgD5gBnr4OtvPEWbJV2v4X9S8WmTsw2BS/ZQ
    xGRBoXbljTAKBggqhkjOPQQDAgNJADBGAiEAhWQ2dHjOGYsO8RFstSAbt+7OFLYp
    i6AtE7HppKOIeWcCIQCZsX3asELO07dcPwMCw3trMA4ktMs+UEB4WRv+YrsRNw==
    -----END CERTIFICATE-----

    """

  static let other = """
    -----BEGIN CERTIFICATE-----
    MIIBTDCB9KADAgECAgEJMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDW90aGVyLmV4
    YW1wbGUwIBcNMjAwMTAxMDAwMDAwWhgPMjA5OTEyMzEwMDAwMDBaMBgxFjAUBgNV
    BAMMDW90aGVyLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARrAWzj
    zVWJlwt1DBZ2wNDfGHmUu816rG+0JC/2LqRfp2CswNBzQLuJabPtdqpiENLUoISr
    q7tDhSHxeaj2eIC0oy0wKzApBgNVHREEIjAggg1vdGhlci5leGFtcGxlgg8qLm90
    aGVyLmV4YW1wbGUwCgYIKoZIzj0EAwIDRwAwRAIgREQxRpFipihHngeJXbYW024t
    nTh2Pk+fcaWooyQFI/ICIFPKhV0JHSVNZgJXg1IbbhATqvCcqBb6TPUzdQStwFaD
    -----END CERTIFICATE-----

    """

  static let otherKey = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEIFPZgY3Q4KcnFb5SnwHr2At8DQyl+CCdPybdd52a33WDoAoGCCqGSM49
    AwEHoUQDQgAEawFs481ViZcLdQwWdsDQ3xh5lLvNeqxvtCQv9i6kX6dgrMDQc0C7
    iWmz7XaqYhDS1KCEq6u7Q4Uh8Xmo9niAtA==
    -----END EC PRIVATE KEY-----

    """

  static let strangeKey = """
    -----BEGIN EC PRIVATE KEY-----
    MHcCAQEEICUdlxCgzNipehqgqvj7BAipqDANr6LdtCeC1tFeI4eyoAoGCCqGSM49
    AwEHoUQDQgAEWDSMHF5M1QqYsDWOWebg90stXleUrhZ8YxKtIhRsIY289uffDR6R
    97YoRCOtc4k/TrfvaGgFVvTJtdwmsG629A==
    -----END EC PRIVATE KEY-----

    """

  /// The pair as files in a folder.
  static func files(in folder: String) throws -> CertificateFiles {
    CertificateFiles(
      certificate: try write(certificate, "chain.pem", in: folder),
      key: try write(key, "key.pem", in: folder))
  }

  static func write(_ text: String, _ name: String, in folder: String) throws -> String {
    let path = "\(folder)/\(name)"
    let file = try #require(fopen(path, "w"))
    defer { fclose(file) }
    try #require(fputs(text, file) >= 0)
    return path
  }
}
