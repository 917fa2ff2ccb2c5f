package io.sluice.admin;

import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.source.Problem;
import io.sluice.source.ResourceFreshness.WatchState;

/** How the API spells what the model has as enums; the model may rename its constants, the API may not. */
final class Words {

    private Words() {}

    static String of(ListenerStatus status) {
        return switch (status) {
            case LISTENING -> "Listening";
            case NO_ENDPOINTS -> "NoEndpoints";
            case FAILED -> "Failed";
        };
    }

    static String of(WatchState state) {
        return switch (state) {
            case LISTING -> "Listing";
            case WATCHING -> "Watching";
            case WAITING -> "Waiting";
        };
    }

    static String of(Problem.Severity severity) {
        return switch (severity) {
            case ERROR -> "Error";
            case WARNING -> "Warning";
        };
    }
}
