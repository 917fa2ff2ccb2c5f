/**
 * What integration tests are made of: backends that can be scripted, a proxy in this process or in one of its own, and
 * manifests that can be edited. Everything listens on loopback addresses that no other test uses.
 */
package io.sluice.it.testbed;
