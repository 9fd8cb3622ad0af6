//! Certificates, listeners, host routing, forward proxy, isolation, the edge, shutdown.
