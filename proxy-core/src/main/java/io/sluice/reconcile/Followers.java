package io.sluice.reconcile;

import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** All followers, each after those that were added before it; they end in the opposite order. Confined to the control thread. */
final class Followers implements AppliedFollower {

    private final List<AppliedFollower> followers = new ArrayList<>();

    /** Adds one. Before the first snapshot. */
    void add(AppliedFollower follower) {
        followers.add(follower);
    }

    @Override
    public void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        followers.forEach(follower -> follower.prepare(snapshot, plan, ownership));
    }

    @Override
    public void publish(ClusterSnapshot snapshot, ChangeScope scope) {
        followers.forEach(follower -> follower.publish(snapshot, scope));
    }

    @Override
    public void retire(ClusterSnapshot snapshot) {
        followers.forEach(follower -> follower.retire(snapshot));
    }

    @Override
    public void settled(ClusterSnapshot snapshot, ChangeScope scope) {
        followers.forEach(follower -> follower.settled(snapshot, scope));
    }

    @Override
    public boolean answers(Service service, ServicePort port) {
        for (AppliedFollower follower : followers) {
            if (follower.answers(service, port)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public Map<ServicePortName, List<ListenerState>> answered(ClusterSnapshot snapshot) {
        Map<ServicePortName, List<ListenerState>> all = new HashMap<>();
        followers.forEach(follower -> all.putAll(follower.answered(snapshot)));
        return all;
    }

    @Override
    public boolean incomplete() {
        return followers.stream().anyMatch(AppliedFollower::incomplete);
    }

    @Override
    public void leave() {
        followers.forEach(AppliedFollower::leave);
    }

    @Override
    public void release() {
        followers.reversed().forEach(AppliedFollower::release);
    }

    @Override
    public void stop() {
        followers.reversed().forEach(AppliedFollower::stop);
    }
}
