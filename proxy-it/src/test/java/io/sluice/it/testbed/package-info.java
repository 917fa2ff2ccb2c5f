/**
 * What integration tests are made of.
 *
 * <ul>
 * <li>{@link io.sluice.it.testbed.RunningSluice}: the daemon in this process, with a range of addresses of its own; it
 * fails the test if sockets, buffers or connections are left when it is closed.
 * <li>{@link io.sluice.it.testbed.SluiceProcess}: the command in a process of its own, for signals, exit codes and
 * limits.
 * <li>{@link io.sluice.it.testbed.Manifests} and {@link io.sluice.it.testbed.ConfigMapVolume}: files that are edited in
 * every way in which files are edited.
 * <li>{@link io.sluice.it.testbed.Pod}: an HTTP server that says which one it is; {@link io.sluice.it.testbed.Load}:
 * clients that never stop asking and count what goes wrong; {@link io.sluice.it.testbed.BlackHole}: an address that
 * never answers.
 * <li>{@link io.sluice.it.testbed.Script}, {@link io.sluice.it.testbed.ScriptedPeer} and
 * {@link io.sluice.it.testbed.ScriptedServer}: TCP peers that send, finish, reset and expect exactly as told.
 * <li>{@link io.sluice.it.testbed.TcpTable}, {@link io.sluice.it.testbed.Descriptors},
 * {@link io.sluice.it.testbed.LiveObjects} and {@link io.sluice.it.testbed.CapturedLog}: what the kernel, the JVM and
 * the log have to say.
 * </ul>
 *
 * <p>Everything listens on loopback addresses (all of 127.0.0.0/8 is local on Linux) that no other test uses. Peers run
 * on virtual threads with blocking sockets: slow to write, easy to read.
 */
package io.sluice.it.testbed;
