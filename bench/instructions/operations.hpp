#pragma once
// The hot pure paths of a call, each as one operation on the bench's own traffic. Building them is not
// counted; running them is.

#include <functional>
#include <string>
#include <vector>

namespace gantry::bench {

struct Operation {
  std::string name;  ///< the key in baseline.json
  std::function<void()>
      run;  ///< ends the tool when the result is not what it has to be: a wrong answer is no speed
};

std::vector<Operation> operations();

}  // namespace gantry::bench
